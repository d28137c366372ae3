"""The description of the system under test that a submission needs, collected without root.

`describe.describe` is the way in. What the machine tells is read from /proc, /sys and, where there
is one, `nvidia-smi`; nothing is ever installed. The rest comes from a small file or a person.
"""
