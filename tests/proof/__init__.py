"""`make prove`: the grader shows that no planted bug passes and that no right solution loses a point.

    PYTHONPATH=tests python -m proof [--only NAME[,AREA]] [--right NAME] [--mutants FILE]

catalogue.py reads tests/submissions/bugs and tests/submissions/right; trees.py lays a bug out as a tree; touched.py
says which cases it can touch, by what trace.py saw of the reference; server.py and judge.py run cases, forked from one
process that has imported and collected everything; bugs.py, rights.py and margins.py decide; page.py writes
docs/proof.md. mutated.py runs mutants of the reference that mutations.py makes, and mutants.toml lists those that no
case notices; own_mutants.py does the same for modules of the grader and the harness's tests.
"""
