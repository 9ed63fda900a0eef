/* ---- figures: enlarge, and go through them with the arrow keys ---- */

const pages = findAll("#figures button"), viewer = find("#viewer");
let open = 0;

function enlarge(i) {
  open = (i + pages.length) % pages.length;
  const {src, alt} = find("img", pages[open]);
  Object.assign(find("img", viewer), {src, alt});
  find("#viewer-title").textContent = `${alt} (${open + 1} of ${pages.length})`;
  if (!viewer.open) viewer.showModal();
}

pages.forEach((page, i) => page.addEventListener("click", () => enlarge(i)));
viewer.addEventListener("keydown", ({key}) => {
  if (key === "ArrowRight") enlarge(open + 1);
  if (key === "ArrowLeft") enlarge(open - 1);
});
findAll("button", viewer).forEach((button) => button.addEventListener("click", () => {
  if (button.value === "0") viewer.close();
  else enlarge(open + Number(button.value));
}));
viewer.addEventListener("click", ({target}) => { if (target === viewer) viewer.close(); });
