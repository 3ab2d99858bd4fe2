// A real cluster for a test of the page: started by deploy/local.sh, with devices that are plain ssh.
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const SOURCE = process.env.M4H_SOURCE_DIR;
const BUILD = process.env.M4H_BUILD_DIR;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** The first true value of condition(), which is tried until the deadline. */
export async function until(condition, what, ms = 15000) {
    const deadline = Date.now() + ms;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() >= deadline) throw new Error(`${what}: not within ${ms} ms`);
        await pause(50);
    }
}

export class Cluster {
    #children = [];
    #keyCount = 0;

    constructor(...options) {
        mkdirSync(join(BUILD, "integration"), { recursive: true });
        this.dir = mkdtempSync(join(BUILD, "integration", "browser-"));
        this.keys = join(this.dir, "devices.keys");
        writeFileSync(this.keys, "");
        this.#local("up", "--detach", "--no-device", "--authorized-keys", this.keys, ...options);
        this.description = JSON.parse(readFileSync(join(this.dir, "cluster.json")));
        this.url = this.description.gateways[0].url;
        this.target = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    }

    #local(command, ...options) {
        execFileSync("bash", [join(SOURCE, "deploy/local.sh"), command, "--dir", this.dir, ...options],
            { env: { ...process.env, MAS4H_BUILD_DIR: BUILD }, stdio: ["ignore", "pipe", "pipe"], timeout: 120000 });
    }

    async get(path) {
        const response = await fetch(this.url + path);
        return response.ok ? response.json() : null;
    }

    /** A new key: its file, and the line of its public part. */
    key() {
        const file = join(this.dir, `device-${this.#keyCount++}`);
        execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
        return { file, line: readFileSync(`${file}.pub`, "utf8").trim() };
    }

    /** A device of that name that is up, as REST shows it too. */
    async connect(name) {
        const key = this.key();
        appendFileSync(this.keys, `${key.line} ${name}\n`);
        await this.knock(key);
        return until(() => this.get(`/v1/tunnels/${encodeURIComponent(name)}`), `REST shows ${name}`);
    }

    /** A device with that key asks for a tunnel, once. */
    async knock({ file: key }) {
        const { slot } = await (await fetch(`${this.url}/v1/slots`, { method: "POST" })).json();
        const hosts = `${key}.hosts`;
        writeFileSync(hosts, slot.host_keys.map((line) => `[${slot.host}]:${slot.port} ${line}\n`).join(""));
        const options = Object.entries({ IdentitiesOnly: "yes", IdentityAgent: "none", BatchMode: "yes",
            GlobalKnownHostsFile: "/dev/null", UserKnownHostsFile: hosts, ExitOnForwardFailure: "yes" })
            .flatMap(([option, value]) => ["-o", `${option}=${value}`]);
        return this.run("ssh", "-F", "none", "-p", slot.port, "-l", "device", "-i", key, ...options, "-N", "-T",
            "-R", `0:127.0.0.1:${this.target.address().port}`, slot.host);
    }

    /** Starts a gateway anew so that it wants tokens; gives one for each of the scopes. */
    async guard(gateway, ...scopes) {
        const file = join(this.dir, "tokens");
        const tokens = scopes.map(() => `m4h_${randomBytes(32).toString("base64url")}`);
        writeFileSync(file, scopes.map((scope, i) =>
            `${scope}-person ${scope} sha256:${createHash("sha256").update(tokens[i]).digest("hex")}\n`).join(""));
        await this.kill(gateway, "SIGTERM");
        await this.start(gateway, { MAS4H_GATEWAY_ACCESS_TOKENS_FILE: file });
        return tokens;
    }

    /** Slaves that are simulated, with so many tunnels; null where the benches are not built. */
    simulate(slaves, tunnels) {
        const program = join(BUILD, "bin/cluster-load");
        if (!existsSync(program)) return null;
        return this.run(program, "slaves", "--url", this.description.nats_url, "--slaves", slaves,
            "--tunnels", tunnels, "--regions", "eu,us", "--capacity", "60,100,4000");
    }

    run(program, ...options) {
        const child = spawn(program, options.map(String), { stdio: ["pipe", "ignore", "ignore"] });
        this.#children.push(child);
        return child;
    }

    /** Ends a service, and waits for it. */
    async kill({ command }, signal = "SIGKILL") {
        const pid = Number(readFileSync(command.replace(/\.sh$/, ".pid"), "utf8"));
        process.kill(pid, signal);
        await until(() => {
            try {
                return readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
            } catch {
                return true;
            }
        }, `the end of ${command}`);
    }

    /** Starts it again by its own command; `settings` as variables of the environment. */
    async start({ command }, settings = {}) {
        const ready = command.replace(/\.sh$/, ".ready");
        rmSync(ready, { force: true });
        const child = spawn(command, { env: { ...process.env, ...settings }, stdio: "ignore" });
        this.#children.push(child);
        await until(() => existsSync(ready), `${ready}`);
    }

    down() {
        for (const child of this.#children) child.kill();
        this.target.close();
        this.#local("down");
        rmSync(this.dir, { recursive: true, force: true });
    }
}
