// A file written through Jupyter's own contents API: the way to a trainer that needs no kernel. It works where the run
// folder lies under the server's root and no part of the path is hidden; elsewhere it says so by returning null.

/** The server's page settings, as Jupyter puts them into the page. */
export interface ServerSettings { baseUrl: string; root: string; token: string }

/** Reads the settings from the page, or null where there are none (Colab, VS Code, a saved page). */
export function serverSettings(page: Document = document): ServerSettings | null {
  try {
    const plain = JSON.parse(page.getElementById("jupyter-config-data")?.textContent ?? "");
    return plain.serverRoot ? { baseUrl: plain.baseUrl ?? "/", root: plain.serverRoot, token: plain.token ?? "" } : null;
  } catch {
    return null;
  }
}

/** The path of `file` as the contents API knows it, or null where the API cannot reach it. */
export function contentsPath(file: string, root: string, home: string): string | null {
  const plain = (path: string): string => path.replaceAll("\\", "/").replace(/\/+$/, "");
  const base = plain(root === "~" || root.startsWith("~/") ? home + root.slice(1) : root);
  const whole = plain(file);
  if (!file || !whole.startsWith(`${base}/`)) return null;
  const relative = whole.slice(base.length + 1);
  return relative.split("/").some((part) => part.startsWith(".")) ? null : relative;
}

/** Writes `text` to the contents path; true when the server says that it did. */
export async function writeFile(path: string, text: string, server: ServerSettings): Promise<boolean> {
  const url = `${server.baseUrl}api/contents/${path.split("/").map(encodeURIComponent).join("/")}`;
  const xsrf = /(?:^|;\s*)_xsrf=([^;]+)/.exec(document.cookie)?.[1];
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (xsrf) headers["X-XSRFToken"] = xsrf;
  if (server.token) headers.Authorization = `token ${server.token}`;
  const body = JSON.stringify({ type: "file", format: "text", content: text });
  try {
    return (await fetch(url, { method: "PUT", credentials: "same-origin", headers, body })).ok;
  } catch {
    return false;
  }
}

/** Leaves the command `kind` in a run's command folder; true when it arrived there. */
export async function leaveCommand(kind: string, folder: string, home: string): Promise<boolean> {
  const server = serverSettings();
  if (!server) return false;
  const name = `${kind}-${crypto.getRandomValues(new Uint32Array(2)).join("")}.json`;
  const path = contentsPath(`${folder}/${name}`, server.root, home);
  return path !== null && writeFile(path, JSON.stringify({ kind }), server);
}
