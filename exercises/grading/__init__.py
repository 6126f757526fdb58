"""For teachers: judge the notebooks of a class, each shut off in a process of its own."""
