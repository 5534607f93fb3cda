"""Stands where ansible-test looks for pip's bootstrap script: Python brings a pip, which fetches the one asked for."""

import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
# These two are words of the bootstrap script, not of pip.
words = [word for word in sys.argv[1:] if word not in {"--no-setuptools", "--no-wheel"}]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *words]))
