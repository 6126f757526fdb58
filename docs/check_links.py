"""Check every link within a built site: `python docs/check_links.py build/site`. Nothing is asked of the network."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page points at, what can be pointed at in it, and its pictures without a description."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.undescribed: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Collect the attributes of one tag."""
        given = dict(attributes)
        self.anchors.update(value for name in ("id", "name") if (value := given.get(name)))
        self.links.update(value for name in ("href", "src") if (value := given.get(name)))
        if tag == "img" and not given.get("alt"):
            self.undescribed.append((given.get("src") or "")[:80])


def find_faults(site: Path) -> list[str]:
    """Return a sentence for each link that leads nowhere, and for each picture without a description."""
    written = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]  # there lie templates
    pages = {path.resolve(): Page(path) for path in written}
    faults = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        faults += [f"{name}: the picture {picture} has no alternative text" for picture in page.undescribed]
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists():
                faults.append(f"{name}: {link} leads to no file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                faults.append(f"{name}: {link} leads to no place in that page")
    return faults


if __name__ == "__main__":
    found = find_faults(Path(sys.argv[1]))
    print("\n".join(found) or "Every link within the site leads somewhere.")
    sys.exit(bool(found))
