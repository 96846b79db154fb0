"""Reading a submission's code for what its author should be asked about: nothing of it is imported, built or run.

What is found is a suspicion, told to the instructor and never a deduction: a name in a source proves no intent, and
whoever wants to hide something can spell it so that no reader finds it. What is *prevented* is prevented by the box,
the worker and `elf.py`, which looks at what a compiled module really links.
"""
