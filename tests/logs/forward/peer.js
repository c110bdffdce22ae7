// A receiver of the forward protocol that is not ours: prints its port, then each entry.
// Its argument is JSON: paths of `cert` and `key` for TLS, and `security` for the handshake.
const { readFileSync } = require("fs");
const { EventTime, FluentServer } = require("@fluent-org/logger");

const { cert, key, security } = JSON.parse(process.argv[2]);
const server = new FluentServer({
  listenOptions: { host: "127.0.0.1", port: 0 },
  tlsOptions: cert && { cert: readFileSync(cert), key: readFileSync(key) },
  security,
});
server.on("entry", (tag, time, record) => {
  const moment = time instanceof EventTime ? [time.epoch, time.nano] : time;
  console.log(JSON.stringify([tag, moment, record]));
});
server.listen().then(() => console.log(server.port));
