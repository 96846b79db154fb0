"""A student's code from an earlier homework, an earlier edition or an older release, into this one's regions.

OLD is read as text: nothing of it is run or imported. Code goes into regions, and what it needs besides goes into
regions too; a given line of the new tree is never changed. `transfer` plans everything, saves the tree, and writes;
`docs/architecture.md` says what each module does.
"""
