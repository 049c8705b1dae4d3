// What makes forms of the set-up handier: the server checks all of it again, with or without this.
"use strict";

/** What the server said about the value that was sent, until one changes it. */
const saidByServer = (field) => (field.closest(".field") ?? field.closest("label"))?.querySelectorAll(".fault:not([id])") ?? [];

/** Shows a field's error below it, or removes it. */
const tell = (field) => {
  if (saidByServer(field).length > 0) return;
  const id = `${field.id}-wrong`;
  document.getElementById(id)?.remove();
  field.removeAttribute("aria-invalid");
  const described = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  if (!field.validity.valid) {
    const fault = document.createElement("p");
    fault.className = "fault";
    fault.id = id;
    fault.textContent = field.dataset.wrong ?? field.validationMessage;
    field.after(fault);
    field.setAttribute("aria-invalid", "true");
    described.push(id);
  }
  if (described.length > 0) field.setAttribute("aria-describedby", described.join(" "));
  else field.removeAttribute("aria-describedby");
};

/** A field that must not have the value of another one. */
const mustDiffer = (field) => {
  const other = document.getElementById(field.dataset.differs);
  const check = () => field.setCustomValidity(field.value && field.value === other.value ? field.dataset.wrong : "");
  [field, other].forEach((one) => one.addEventListener("change", () => { check(); if (field.value) tell(field); }));
  check();
};

/** A checkbox that makes another field required. */
const needs = (box) => {
  const field = document.getElementById(box.dataset.needs);
  const check = () => {
    field.required = box.checked;
    field.dataset.wrong = box.dataset.wrong;
  };
  box.addEventListener("change", () => { check(); tell(field); });
  check();
};

/** A name that follows what is chosen, until one types another. */
const nameAfter = (field) => {
  const [one, other] = field.dataset.nameOf.split(" ").map((id) => document.getElementById(id));
  let proposed = field.value;
  const propose = () => {
    if (field.value !== proposed || !one.value || !other.value || one.value === other.value) return;
    proposed = `${one.value}-to-${other.value}`.slice(0, field.maxLength);
    field.value = proposed;
  };
  if (field.value === "") [one, other].forEach((choice) => choice.addEventListener("change", propose));
  if (field.value === "") propose();
};

/** A field that only one choice of another one asks for. */
const onlyFor = (part) => {
  const [id, value] = part.dataset.onlyFor.split("=");
  const choice = document.getElementById(id);
  const show = () => {
    part.hidden = choice.value !== value;
    part.querySelectorAll("input").forEach((field) => { field.required = !part.hidden; });
  };
  choice.addEventListener("change", show);
  show();
};

/** A form that checks each field when the focus leaves it. */
const tellAtOnce = (form) => {
  form.addEventListener("focusout", ({ target }) => { if (target.willValidate && target.name && target.type !== "radio") tell(target); });
  // Before one leaves it: a text that goes away at a click would move the button from under it.
  form.addEventListener("input", ({ target }) => {
    saidByServer(target).forEach((fault) => fault.remove());
    if (target.getAttribute("aria-invalid")) tell(target);
  });
  form.addEventListener("invalid", ({ target }) => tell(target), true);
};

document.querySelectorAll("[data-differs]").forEach(mustDiffer);
document.querySelectorAll("[data-needs]").forEach(needs);
document.querySelectorAll("[data-name-of]").forEach(nameAfter);
document.querySelectorAll("[data-only-for]").forEach(onlyFor);
document.querySelectorAll("form[data-tell]").forEach(tellAtOnce);
