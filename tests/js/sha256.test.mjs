// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import { sha256 } from "../../static/assets/js/sha256.js";

const expected = (text) => createHash("sha256").update(text, "utf8").digest("hex");

test("the answer to a challenge is the one that the daemon expects", () => {
  // The same vector as in src/auth/challenge.rs.
  assert.equal(sha256(`hunter2:${"a".repeat(64)}`), "11d2f21b420693b3cbb79c186807e2b8693e53863c9eebd56b2de06e05f5c34d");
});

test("the published vectors hold", () => {
  // FIPS 180-4, examples; the empty text from the validation suite.
  for (const [text, digest] of [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
  ]) assert.equal(sha256(text), digest, text);
});

test("every length around the edges of blocks has the digest of the platform", () => {
  for (let length = 0; length <= 300; length += 1) {
    const text = Array.from({ length }, (_, index) => String.fromCharCode(32 + ((index * 7 + length) % 95))).join("");
    assert.equal(sha256(text), expected(text), String(length));
  }
});

test("letters of two, three and four bytes count as their bytes", () => {
  for (const letter of ["ř", "€", "🦉", "a\u0301", "\0"]) {
    for (let length = 0; length <= 300; length += 1) {
      const text = letter.repeat(length % 75) + "x".repeat(length % 4);
      assert.equal(sha256(text), expected(text), `${letter} ${length}`);
    }
  }
  assert.equal(sha256("\ud800"), expected("\ufffd"));
});

test("a long text has the digest of the platform", () => {
  const text = "Zażółć ".repeat(20_000);
  assert.equal(sha256(text), expected(text));
});
