"""The suite under pytest, in the judging process: options and fixtures, what is run on which tree, a verdict a case."""
