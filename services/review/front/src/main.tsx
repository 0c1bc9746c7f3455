import { render } from "preact";
import { App } from "./app";
import { applyTheme } from "./parts/help";
import "./style.css";

applyTheme(localStorage.getItem("spotted-review theme") ?? "dark");
const root = document.getElementById("app");
if (root) render(<App />, root);
