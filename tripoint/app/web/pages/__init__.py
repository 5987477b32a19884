"""The pages that people look at: a file for each thing that is shown."""
