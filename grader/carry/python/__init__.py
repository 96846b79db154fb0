"""Python files of OLD and of the target: which code is whose, how it fits, and what it needs besides."""
