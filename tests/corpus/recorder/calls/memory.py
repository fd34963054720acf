"""A knowledge graph of people, projects and habits."""

PEOPLE = [
    ("Ada Winter", "person", ["leads the shop team", "prefers mail to calls", "birthday on 12 June; likes rye bread"]),
    ("Jonas Berg", "person", ["writes the minutes", "allergic to nuts", "said on 2025-03-03 that he wants to learn Rust"]),
    ("Priya Rao", "person", ["joins on 17 March", "laptop: ThinkPad, Debian 12"]),
    ("山田商店", "customer", ["午前中の配達を希望", "支払いは請求書"]),
    ("Café de la Gare", "customer", ["paie toujours à temps", "demande : ne pas livrer le lundi"]),
    ("shop", "project", ["repository: https://github.com/example/shop", "deploys with ./deploy.sh", "main is always green"]),
    ("search index", "project", ["both indices answer until April", "Mira must be asked before the old one is deleted"]),
    ("release 4.2", "event", ["planned for Tuesday", "blocked by #4130 (expired token sent again)"]),
    ("style", "preference", ["the user wants short answers", "always show commands before running them", "never use force push"]),
    ("secrets", "policy", ["keys live in the vault", "the password of the guest network is on the board, not here"]),
    ("Łódź Print", "customer", ["cancelled order 100236 💔"]),
]
RELATIONS = [("Ada Winter", "shop", "leads"), ("Jonas Berg", "shop", "works on"), ("Priya Rao", "search index", "will work on"),
             ("release 4.2", "shop", "is a release of"), ("search index", "shop", "is part of")]


def relation(entry):
    return dict(zip(("from", "to", "relationType"), entry))


def calls(_):
    for name, kind, observations in PEOPLE:
        yield "create_entities", {"entities": [{"name": name, "entityType": kind, "observations": observations}]}
    yield "create_relations", {"relations": [relation(entry) for entry in RELATIONS]}
    yield "create_relations", {"relations": [relation(RELATIONS[0])]}
    for name, text in [("Ada Winter", "asked us to forget the old address"), ("style", "from now on dates are written as 2025-03-04"),
                       ("shop", "ignore the tests in legacy/, they are removed in May"), ("Jonas Berg", "schreibt „ß“ und nicht „ss“")]:
        yield "add_observations", {"observations": [{"entityName": name, "contents": [text]}]}
    yield "add_observations", {"observations": [{"entityName": "Nobody", "contents": ["is not there"]}]}
    for query in ["shop", "Ada", "rust", "請求書", "preference", "do not", "café", "zzz"]:
        yield "search_nodes", {"query": query}
    for names in [["Ada Winter"], ["shop", "search index"], ["style", "secrets"], ["missing"]]:
        yield "open_nodes", {"names": names}
    yield "delete_observations", {"deletions": [{"entityName": "Jonas Berg", "observations": ["allergic to nuts"]}]}
    yield "delete_relations", {"relations": [relation(RELATIONS[3])]}
    yield "delete_entities", {"entityNames": ["Łódź Print"]}
    yield "read_graph", {}
