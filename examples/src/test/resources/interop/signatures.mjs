// Verifies what Posthorn signed and signs the same, with the libraries that receivers use. Answers "accepted" or "refused" and its own signature:
// node signatures.mjs <scheme> <key> <id> <timestamp> <body in base64> <header>
import { createPrivateKey, createPublicKey, sign as cryptoSign, verify as cryptoVerify } from "node:crypto";
import * as octokit from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

const [scheme, key, id, timestamp, base64, header] = process.argv.slice(2);
const body = Buffer.from(base64, "base64").toString("utf8");

function accepts(check) {
  try {
    check();
    return true;
  } catch (error) {
    return false;
  }
}

/** RFC 8032 with Node's own Ed25519, which is OpenSSL's; no library of Standard Webhooks knows v1a. */
function keyPair() {
  const bytes = Buffer.from(key.slice("whsk_".length), "base64");
  const jwk = { kty: "OKP", crv: "Ed25519", d: bytes.subarray(0, 32).toString("base64url"), x: bytes.subarray(32).toString("base64url") };
  return [createPrivateKey({ key: jwk, format: "jwk" }), createPublicKey({ key: { ...jwk, d: undefined }, format: "jwk" })];
}

const schemes = {
  v1() {
    const webhook = new Webhook(key);
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": header };
    return [accepts(() => webhook.verify(body, headers)), webhook.sign(id, new Date(timestamp * 1000), body)];
  },
  v1a() {
    const [privateKey, publicKey] = keyPair();
    const content = Buffer.from(`${id}.${timestamp}.${body}`);
    const received = Buffer.from(header.slice("v1a,".length), "base64");
    return [cryptoVerify(null, content, publicKey, received), "v1a," + cryptoSign(null, content, privateKey).toString("base64")];
  },
  async github() {
    return [await octokit.verify(key, body, header), await octokit.sign(key, body)];
  },
  stripe() {
    const webhooks = new Stripe("sk_test_none").webhooks;
    return [
      accepts(() => webhooks.constructEvent(body, header, key)),
      webhooks.generateTestHeaderString({ payload: body, secret: key, timestamp: Number(timestamp) }),
    ];
  },
};
const [accepted, signature] = await schemes[scheme]();
console.log(`${accepted ? "accepted" : "refused"} ${signature}`);
