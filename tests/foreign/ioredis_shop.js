// A shop on ioredis: plain JSON in a field of its own choosing. It knows nothing of any console.
// `node ioredis_shop.js ORDERS` publishes so many orders, serves them, and ends when all are sent.
const { randomUUID } = require('node:crypto');
const Redis = require('ioredis');

const orders = Number(process.argv[2]);

async function publish(redis, stream, kind, order, flow, causes) {
  const meta = { uid: randomUUID(), flow, causes, at: Date.now() };
  await redis.xadd(stream, '*', 'kind', kind, 'payload', JSON.stringify({ meta, order }));
}

async function serve(stream, group, handle, number) {
  const redis = new Redis(process.env.REDIS_URL);
  await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  for (let done = 0; done < number; ) {
    const found = await redis.xreadgroup(
      'GROUP', group, `${group}-1`, 'COUNT', 10, 'BLOCK', 1000, 'STREAMS', stream, '>');
    for (const [id, fields] of found ? found[0][1] : []) {
      await handle(redis, JSON.parse(fields[fields.indexOf('payload') + 1]), fields[1]);
      await redis.xack(stream, group, id);
      done += 1;
    }
  }
  redis.disconnect();
}

// A parcel goes out when an order is paid and picked: it has two causes.
const seen = new Map();
async function ship(redis, message) {
  const { meta, order } = message;
  const before = seen.get(order.no);
  if (before === undefined) {
    seen.set(order.no, meta.uid);
    return;
  }
  await publish(redis, 'parcels', 'ParcelSent', order, meta.flow, [before, meta.uid]);
}

async function main() {
  const redis = new Redis(process.env.REDIS_URL);
  const follow = (kind) => async (client, { meta, order }) =>
    publish(client, 'steps', kind, order, meta.flow, [meta.uid]);
  const working = [
    serve('orders', 'payment', follow('OrderPaid'), orders),
    serve('orders', 'warehouse', follow('OrderPicked'), orders),
    serve('steps', 'shipping', ship, 2 * orders),
  ];
  for (let number = 0; number < orders; number += 1) {
    const order = { no: 4711 + number, total: '19.90' };
    await publish(redis, 'orders', 'OrderPlaced', order, `flow-${order.no}`, []);
  }
  await Promise.all(working);
  redis.disconnect();
}

main();
