"""`python -m automation verify STACK`: sanity jobs for what a stack's pools and servers are to do.

Each job judges itself: it ends well only if what it found is what the stack says. The jobs are built from a
preview, so that they need neither the program's components nor the cluster.
"""
