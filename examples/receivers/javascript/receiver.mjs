// A receiver with the library standardwebhooks of npm. WEBHOOK_SECRET=whsec_... PORT=9000 node receiver.mjs
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const LARGEST_BODY = 4 * 1024 * 1024;
const secret = process.env.WEBHOOK_SECRET ?? "";
if (!secret.startsWith("whsec_")) {
  console.error("WEBHOOK_SECRET must be the endpoint's secret, whsec_...");
  process.exit(1);
}
const webhook = new Webhook(secret);
const seen = new Set();

// region verify
/** Judges a request by its headers and the exact bytes of its body, a Buffer; returns the status to answer. */
function judge(headers, body) {
  let event;
  try {
    event = webhook.verify(body, headers);
  } catch (error) {
    console.log(`refused: ${error.message}`);
    return 401;
  }
  const id = headers["webhook-id"];
  if (seen.has(id)) {
    console.log(`duplicate ${id}`);
    return 204;
  }
  // Store the event, together with its id and in one transaction; work on it after the answer.
  seen.add(id);
  console.log(`received ${id} ${JSON.stringify(event)}`);
  return 204;
}
// endregion

const server = createServer(async (request, response) => {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= LARGEST_BODY) chunks.push(chunk);
  }
  response.writeHead(length > LARGEST_BODY ? 413 : judge(request.headers, Buffer.concat(chunks))).end();
});
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
