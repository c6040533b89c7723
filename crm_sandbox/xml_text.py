"""The texts of a small XML document by their elements' local names. Document types are refused: no entities, no bombs."""

from xml.parsers import expat


class BadXml(ValueError):
    """No XML, or XML with a document type."""


class _Reader:
    """Collects what stands directly inside of each element; the first of a name counts."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, list[str]]] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        self._open.append((name.rpartition(" ")[2], []))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def end(self, _: str) -> None:
        name, parts = self._open.pop()
        self.texts.setdefault(name, "".join(parts).strip())


def _refuse_doctype(*_: object) -> None:
    raise BadXml("a document type is not allowed")


def texts_by_name(document: bytes) -> dict[str, str]:
    """Every element's own text, namespaces and white space around it taken off.

    Raises: BadXml.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.data, _refuse_doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise BadXml(str(error)) from None
    return reader.texts
