"""Makes imported.json: hashes by independent implementations, for the tests of imported hashes.

python3 -m venv v && v/bin/pip install passlib 'bcrypt<4.1' django argon2-cffi
v/bin/python imported.py > imported.json     (openssl passwd must be there)
"""
import base64, hashlib, json, os, struct, subprocess
import django
from django.conf import settings
settings.configure(PASSWORD_HASHERS=["django.contrib.auth.hashers." + n for n in (
    "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
    "BCryptPasswordHasher", "ScryptPasswordHasher")])
django.setup()
from django.contrib.auth.hashers import (PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher, Argon2PasswordHasher,
    BCryptSHA256PasswordHasher, BCryptPasswordHasher, ScryptPasswordHasher)
from passlib import hash as ph
import argon2

words = ["gammalt lösen", "Sommar-2019", "x" * 71]
rows = []

def add(kind, made_by, pw, text):
    rows.append({"kind": kind, "by": made_by, "password": pw, "hash": text})

class Quick(PBKDF2PasswordHasher):
    iterations = 20000
class QuickSHA1(PBKDF2SHA1PasswordHasher):
    iterations = 20000
class QuickBcryptSHA256(BCryptSHA256PasswordHasher):
    rounds = 5
class QuickBcrypt(BCryptPasswordHasher):
    rounds = 5
class QuickScrypt(ScryptPasswordHasher):
    work_factor = 2 ** 10
class QuickArgon2(Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 1, 1024, 2

for pw in words:
    for ident in ("2a", "2b", "2y"):
        add("bcrypt", "passlib", pw, ph.bcrypt.using(rounds=5, ident=ident).hash(pw))
    add("pbkdf2", "passlib", pw, ph.pbkdf2_sha1.using(rounds=2000).hash(pw))
    add("pbkdf2", "passlib", pw, ph.pbkdf2_sha256.using(rounds=2000).hash(pw))
    add("pbkdf2", "passlib", pw, ph.pbkdf2_sha512.using(rounds=2000).hash(pw))
    add("scrypt", "passlib", pw, ph.scrypt.using(rounds=10, block_size=8, parallelism=2).hash(pw))
    add("sha-crypt", "passlib", pw, ph.sha256_crypt.using(rounds=1000).hash(pw))
    add("sha-crypt", "passlib", pw, ph.sha256_crypt.using(rounds=5000).hash(pw))
    add("sha-crypt", "passlib", pw, ph.sha512_crypt.using(rounds=1234).hash(pw))
    for n in ("-5", "-6"):
        out = subprocess.run(["openssl", "passwd", n, "-stdin"], input=pw.encode(), capture_output=True, check=True)
        add("sha-crypt", "openssl", pw, out.stdout.decode().strip())
    add("ssha", "passlib", pw, ph.ldap_salted_sha1.hash(pw))
    add("ssha", "passlib", pw, ph.ldap_salted_sha256.hash(pw))
    add("ssha", "passlib", pw, ph.ldap_salted_sha512.hash(pw))
    add("phpass", "passlib", pw, ph.phpass.using(rounds=8, ident="P").hash(pw))
    add("phpass", "passlib", pw, ph.phpass.using(rounds=8, ident="H").hash(pw))
    add("argon2", "argon2-cffi", pw, argon2.PasswordHasher(1, 1024, 2).hash(pw))
    add("argon2", "argon2-cffi", pw, argon2.PasswordHasher(1, 1024, 1, type=argon2.Type.I).hash(pw))
    for h in (Quick, QuickSHA1):
        add("django-pbkdf2", "django", pw, h().encode(pw, h().salt()))
    for h in (QuickBcryptSHA256, QuickBcrypt):
        add("django-bcrypt", "django", pw, h().encode(pw, h().salt()))
    add("django-scrypt", "django", pw, QuickScrypt().encode(pw, QuickScrypt().salt()))
    add("django-argon2", "django", pw, QuickArgon2().encode(pw, QuickArgon2().salt()))
    # ASP.NET Identity's formats, written after their description with hashlib.
    salt = os.urandom(16)
    add("aspnet-v2", "hashlib", pw, base64.b64encode(b"\0" + salt + hashlib.pbkdf2_hmac("sha1", pw.encode(), salt, 1000, 32)).decode())
    for prf, name, n in ((1, "sha256", 10000), (2, "sha512", 100000)):
        key = hashlib.pbkdf2_hmac(name, pw.encode(), salt, n, 32)
        add("aspnet-v3", "hashlib", pw, base64.b64encode(b"\1" + struct.pack(">III", prf, n, len(salt)) + salt + key).decode())
    # Drupal 7's, with hashlib and another's encoding of 64 characters.
    from passlib.utils.binary import h64
    log, salt = 8, "aB3./xYz"
    sum_ = hashlib.sha512(salt.encode() + pw.encode()).digest()
    for _ in range(1 << log):
        sum_ = hashlib.sha512(sum_ + pw.encode()).digest()
    add("drupal", "hashlib", pw, ("$S$" + "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[log] + salt + h64.encode_bytes(sum_).decode())[:55])

print(json.dumps(rows, ensure_ascii=False, indent=1))
