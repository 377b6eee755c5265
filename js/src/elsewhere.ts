// What stands where a studio was whose project is shown in another cell. Twin of ui/elsewhere.py.
import { html } from "lit-html";
import type { Elsewhere } from "./contracts";
import { widget } from "./lib/panel";

export default widget<Elsewhere>("elsewhere", (panel) => () => html`<div class="empty">
  <p>“${panel.get("name")}” is shown in another cell of this notebook now.</p>
  <p><button @click=${() => panel.send("show")}>Show it here</button></p></div>`);
