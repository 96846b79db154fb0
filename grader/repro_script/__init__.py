"""A failing case as a short script without the grader: the question's own code, its input, and what is right.

sources.py    the functions of a suite that a question needs, flattened into one text
values.py     inputs and expected values as Python source, large ones in an .npz beside the script
finding.py    which comparison failed, and where in an answer the wrong value stands
head.py       its docstring
script.py     puts the text together
handed.py     gives it to the person
plugin.py     watches a case in the judging process, and writes the script before whatever may end that process
"""
