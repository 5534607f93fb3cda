"""weave for Salt: the execution module, the states and the grain called ``weave``.

Salt finds them by the entry point ``salt.loader`` of the wheel; nothing has to be copied or synchronised.
"""

#: Why none of them is there, where the library cannot be loaded.
CANNOT_LOAD = "weave_py cannot be loaded by Salt's Python: {}; install weave-py there, with salt-pip or its pip"
