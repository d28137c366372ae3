"""`cm lint script`: mistakes in recipes, each with its place and what to do about it.

`check.check` looks at one recipe; the modules beside it each know one kind of mistake.
"""
