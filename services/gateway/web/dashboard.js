const cluster = await (await fetch("/v1/cluster")).json();
document.getElementById("summary").textContent = `${cluster.tunnels} tunnels on ${cluster.slaves} slaves.`;
