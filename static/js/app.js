// Everything a page with navigation runs. Each module stands alone; there is no build step.
import "./wire.js";
import "./clock.js";
import "./time.js";
import "./undo.js";
import "./list.js";
import "./keys.js";
import "./neighbours.js";
import "./palette.js";
import "./live.js";
import "./keep.js";
