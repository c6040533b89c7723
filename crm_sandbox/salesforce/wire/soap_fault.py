"""SOAP envelopes as the vendor writes them, and the fault in one."""

from xml.sax.saxutils import escape

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    '{namespaces} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
)


class SoapFault(Exception):
    """login() says no."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message

    def envelope(self, dialect: str = "partner") -> bytes:
        """The whole answer."""
        kind = "LoginFault" if self.code in ("INVALID_LOGIN", "INVALID_OPERATION") else "UnexpectedErrorFault"
        code, words = escape(self.code), escape(self.message)
        body = (
            f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {words}</faultstring><detail>"
            f'<sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{code}</sf:exceptionCode>'
            f"<sf:exceptionMessage>{words}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault>"
        )
        return envelope_of(f'xmlns:sf="urn:fault.{dialect}.soap.sforce.com"', body)


def envelope_of(namespaces: str, body: str) -> bytes:
    """The body in its envelope."""
    return _ENVELOPE.format(namespaces=namespaces, body=body).encode()
