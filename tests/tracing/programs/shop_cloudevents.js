// A shop that sends CloudEvents by the SDK of JavaScript: URL, token, mode, correlation ID.
const { CloudEvent, Mode, emitterFor, httpTransport } = require("cloudevents");

const [url, token, mode, correlation] = process.argv.slice(2);
const emit = emitterFor(httpTransport(url), {
  mode: mode === "structured" ? Mode.STRUCTURED : Mode.BINARY,
});
const id = (name) => `${correlation}/${name}`;
const steps = [
  { id: id("placed"), type: "OrderPlaced" },
  { id: id("paid"), type: "PaymentCaptured", causationid: id("placed") },
  { id: id("stock"), type: "StockReserved", causationid: id("placed") },
  { id: id("shipped"), type: "OrderShipped", causationids: `${id("paid")},${id("stock")}` },
];

async function main() {
  for (const step of steps) {
    const event = new CloudEvent({
      ...step,
      source: "/foreign/shop",
      correlationid: correlation,
      data: { order_id: correlation, note: "Größe" },
    });
    const answer = await emit(event, { headers: { authorization: `Bearer ${token}` } });
    if (!JSON.parse(answer.body).accepted) throw new Error(answer.body);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
