"""Reading WARC files: where records begin and end, what one holds, and which are worth reading."""
