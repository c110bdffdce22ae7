// A receiver of the forward protocol that is not ours: prints its port, then each entry.
const { EventTime, FluentServer } = require("@fluent-org/logger");

const server = new FluentServer({ listenOptions: { host: "127.0.0.1", port: 0 } });
server.on("entry", (tag, time, record) => {
  const moment = time instanceof EventTime ? [time.epoch, time.nano] : time;
  console.log(JSON.stringify([tag, moment, record]));
});
server.listen().then(() => console.log(server.port));
