"""`python -m deploy.docs`: write the generated documents anew."""

from deploy.docs import DOCUMENTS, ROOT


def main() -> None:
    """Every generated document is as the code says; prints the names of those that were not."""
    for name, text in DOCUMENTS.items():
        path = ROOT / name
        wanted = text()
        if not path.exists() or path.read_text() != wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted)
            print(name)


if __name__ == "__main__":
    main()
