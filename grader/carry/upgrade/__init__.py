"""`carry --upgrade`: a new release over a student's folder, three-way, conflicts marked, a backup first."""
