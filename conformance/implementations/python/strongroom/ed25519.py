"""Ed25519 public keys and signatures as FLT-6 and fleet.md take them."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def is_public_key(data: bytes) -> bool:
    """Whether these 32 bytes are the canonical encoding of a point that is not of small order."""
    if len(data) != 32:
        return False
    y, sign = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    if y >= P:
        return False
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = pow(u * v**7, (P - 5) // 8, P) * u * v**3 % P
    if v * x * x % P == -u % P:
        x = x * ROOT % P
    if v * x * x % P != u or (x == 0 and sign):
        return False
    for _ in range(3):
        x, y = double(x, y)
    return (x, y) != (0, 1)


def double(x: int, y: int) -> tuple[int, int]:
    k = D * x * x * y * y % P
    return 2 * x * y * pow(1 + k, -1, P) % P, (y * y + x * x) * pow(1 - k, -1, P) % P


def verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature holds. OpenSSL compares R as bytes, so it is canonical, and bounds S."""
    if not is_public_key(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
