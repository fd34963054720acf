"""`get.py requests|httpx URL [FIELD:VALUE…]`: gets a page by a library, and prints it."""

import sys


def main():
    library, url, *fields = sys.argv[1:]
    headers = dict(field.split(":", 1) for field in fields)
    if library == "requests":
        import requests

        session = requests.Session()
        session.trust_env = False
        session.verify = "/etc/ssl/certs/ca-certificates.crt"
        print(session.get(url, headers=headers, timeout=5).text)
    else:
        import httpx

        with httpx.Client(verify="/etc/ssl/certs/ca-certificates.crt", trust_env=False, timeout=5) as client:
            print(client.get(url, headers=headers).text)


main()
