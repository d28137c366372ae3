"""What recipe code sees of the engine: the modules and objects that CM and MLCFlow gave it.

Thin covers over our own modules. They are handed to recipe code by `importer` and appear neither
in `sys.modules` nor on `sys.path` of anybody else.
"""
