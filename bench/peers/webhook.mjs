// The backend of authorize.sh's webhook: says yes to every key, after so many milliseconds.
//   node webhook.mjs DELAY_MS     prints its port
import { createServer } from "node:http";

const delay = Number(process.argv[2]);
const answer = JSON.stringify({ result: "allow", client_key: "device" });

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  request.on("end", () =>
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
      response.end(answer);
    }, delay),
  );
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => console.log(server.address().port));
