"""`clone.py GIT URL DIRECTORY`: clones a repository and prints the file `README` of it."""

import shutil
import subprocess
import sys

git, url, directory = sys.argv[1:]
shutil.rmtree(directory, ignore_errors=True)
done = subprocess.run([git, "clone", "--quiet", url, directory], stdin=subprocess.DEVNULL, timeout=15, check=False)
if done.returncode == 0:
    with open(f"{directory}/README", encoding="utf-8") as file:
        print(file.read())
sys.exit(done.returncode)
