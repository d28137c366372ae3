"""`--jobs=N`: dependencies that nothing before them can change are built ahead, side by side.

The walk of a run stays as it is and decides everything. When it is about to run a dependency,
`ahead` looks at the rest of that list and `independence` tells which of its recipes could be built
now. `pool` starts each of these in a process of its own (`child`), which builds without publishing.
When the walk gets there, `adopt` compares what the recipe looked at with what has changed since; if
nothing has, the process publishes and the walk takes over its result, else the result is thrown
away and the recipe is run in its turn.
"""
