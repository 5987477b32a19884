"""The types, errors, ports and text rules that every other room shares; standard library only."""
