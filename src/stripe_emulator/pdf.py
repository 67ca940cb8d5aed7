"""A plain PDF with a few lines of text on one page."""

TOP, LEFT, LEADING, SIZE = 780, 60, 20, 12


def one_page(lines: list[str]) -> bytes:
    """The document; characters outside of Windows-1252 are shown as question marks."""
    shown = "".join(f"({_escaped(line)}) Tj T* " for line in lines)
    # The font's WinAnsiEncoding: Latin-1 and some more, such as the euro sign.
    text = f"BT /F1 {SIZE} Tf {LEADING} TL {LEFT} {TOP} Td {shown}ET".encode("cp1252", "replace")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    resources = b"<< /Font << /F1 4 0 R >> >>"
    return _document(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources "
            + resources
            + b" >>",
            font,
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        ]
    )


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _document(objects: list[bytes]) -> bytes:
    """Number the objects, and end with a table of where each begins."""
    document, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(document))
    return document + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + end
