"""The commands of the command line that grade: parse, call, print."""
