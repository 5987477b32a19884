"""Tables, migrations and one file for each aggregate."""
