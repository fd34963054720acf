"""A shop's repository that grows commit by commit, and the history of this project."""

import workspace as texts

STEPS = [
    ("README.md", "# Shop\n\nA small shop. See `docs/` for how to run it.\n", "Begin"),
    ("src/cart.py", "class Cart:\n    def __init__(self):\n        self.lines = []\n\n    def add(self, product, count=1):\n        self.lines.append((product, count))\n", "cart: add products"),
    ("src/cart.py", "class Cart:\n    \"\"\"What somebody wants to buy.\"\"\"\n\n    def __init__(self):\n        self.lines = {}\n\n    def add(self, product, count=1):\n        self.lines[product] = self.lines.get(product, 0) + count\n", "cart: one line a product\n\nTwo lines of the same product confused people. Fixes #12."),
    (".gitignore", "target/\n*.log\n.env\n!.env.example\n", "ignore build results, logs and the environment"),
    (".env.example", "DATABASE_URL=postgres://app:password@localhost/shop\nSTRIPE_KEY=sk_test_...\nSESSION_SECRET=change-me\n", "docs: an example of the environment"),
    ("docs/deploy.md", "# Deploying\n\n1. Copy `.env.example` to `.env` and fill in the keys.\n2. Run `./deploy.sh v1.2.3`.\n3. Tell support.\n\nNever run migrations by hand; the script calls them before the restart.\n", "docs: how to deploy\n\nCo-authored-by: Jonas Berg <jonas.berg@example.com>"),
    ("src/i18n.py", "GREETINGS = {\n    'de': 'Willkommen im Laden',\n    'fr': 'Bienvenue à la boutique',\n    'ja': 'いらっしゃいませ',\n    'ar': 'أهلاً بكم',\n    'ru': 'Добро пожаловать',\n    'emoji': '👋🛒',\n}\n", "i18n: greet in five languages 🌍"),
    ("migrations/003.sql", "ALTER TABLE orders ADD COLUMN note text;\nUPDATE orders SET note = '' WHERE note IS NULL;\nALTER TABLE orders ALTER COLUMN note SET NOT NULL;\n", "db: orders have notes"),
    ("src/auth.py", "import hmac\nimport os\n\n\ndef is_allowed(token: str) -> bool:\n    \"\"\"Compares in constant time; an empty token is nobody's.\"\"\"\n    expected = os.environ['ADMIN_TOKEN']\n    return bool(token) and hmac.compare_digest(token, expected)\n", "auth: compare tokens in constant time\n\nBefore, the time told how many characters were right."),
]


def small_commits(project):
    """Commits of this project that change less than 40 lines."""
    log = texts.git(project, "log", "--format=%x00%h", "--shortstat", "-n", "400", texts.COMMIT)
    for entry in log.split("\0")[1:]:
        words = entry.split()
        lines = sum(int(words[at - 1]) for at, word in enumerate(words) if word.startswith(("insertion", "deletion")))
        if 0 < lines < 40:
            yield words[0]


def calls(root):
    yield from growth(root, f"{root}/shop")
    yield from branches(f"{root}/shop")
    yield from history(f"{root}/project")


def growth(root, shop):
    yield "git_status", {"repo_path": shop}
    for number, (name, text, message) in enumerate(STEPS):
        path = root / "shop" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        if number % 3 == 2:
            yield "git_diff_unstaged", {"repo_path": shop, "context_lines": 5}
        yield "git_add", {"repo_path": shop, "files": [name]}
        if number % 2 == 0:
            yield "git_diff_staged", {"repo_path": shop}
        yield "git_commit", {"repo_path": shop, "message": message}
        if number % 4 == 3:
            yield "git_status", {"repo_path": shop}
            yield "git_log", {"repo_path": shop, "max_count": 3}


def branches(shop):
    yield "git_create_branch", {"repo_path": shop, "branch_name": "feature/gift-cards", "base_branch": "main"}
    yield "git_checkout", {"repo_path": shop, "branch_name": "feature/gift-cards"}
    yield "git_branch", {"repo_path": shop, "branch_type": "local"}
    yield "git_branch", {"repo_path": shop, "branch_type": "all"}
    for revision in ["HEAD", "HEAD~1", "HEAD~2", "main~4", "HEAD~6"]:
        yield "git_show", {"repo_path": shop, "revision": revision}
    for target in ["HEAD~1", "main~3", "HEAD~5"]:
        yield "git_diff", {"repo_path": shop, "target": target, "context_lines": 2}
    yield "git_reset", {"repo_path": shop}
    yield "git_checkout", {"repo_path": shop, "branch_name": "no-such-branch"}
    yield "git_show", {"repo_path": shop, "revision": "v9.9"}
    yield "git_add", {"repo_path": shop, "files": ["docs/missing.md"]}


def history(project):
    yield "git_log", {"repo_path": project, "max_count": 12}
    yield "git_log", {"repo_path": project, "max_count": 5, "end_timestamp": "2 weeks ago"}
    yield "git_status", {"repo_path": project}
    for commit in list(small_commits(project))[:26]:
        yield "git_show", {"repo_path": project, "revision": commit}
