// Counts what a person has to do for a task: each click, each choice in a list, and each Enter is one.

/** Does things on a page for somebody, and counts them. Typing is not counted, ending it with Enter is. */
export class Clicks {
  constructor(page) {
    this.page = page;
    this.count = 0;
  }

  async click(locator) {
    this.count += 1;
    await locator.click();
  }

  async choose(locator, label) {
    this.count += 1;
    await locator.selectOption(label);
  }

  async check(locator) {
    this.count += 1;
    await locator.check();
  }

  async enter(locator, text) {
    this.count += 1;
    await locator.fill(text);
    await locator.press("Enter");
  }
}
