"""For teachers: judge the notebooks of a class, each shut off in a process of its own.

- grade: one row for each exercise. submissions: the notebooks and their cells. table: the CSV file.
- isolated_run: fork a process on a copy of the course. process_watch: hold it to its limits, and end it.
- sandbox: what imports the course, and what runs in the forked process. landlock: how that is shut off.
"""
