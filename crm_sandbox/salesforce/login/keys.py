"""The key pair for the JWT bearer flow: made at first use, the same until the process ends, or a client's own public key."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both halves as PEM text."""

    private_pem: str
    public_pem: str


@lru_cache(maxsize=1)
def test_keys() -> KeyPair:
    """The pair that the sandbox gives away; one per process, since making it takes a tenth of a second."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    private_pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(private_pem.decode(), _public_pem(private.public_key()))


def public_key(pem: str) -> str:
    """The public key in a PEM that holds it, or a certificate of it, which is what the vendor takes.

    Raises: ValueError.
    """
    if "CERTIFICATE" in pem:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    else:
        key = serialization.load_pem_public_key(pem.encode())  # type: ignore[assignment]
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("RS256 wants an RSA key")  # noqa: TRY004 - one kind of answer for every bad key
    return _public_pem(key)


def _public_pem(key: rsa.RSAPublicKey) -> str:
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()
