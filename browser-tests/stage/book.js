// The page of the documentation that shows the console.

const HEAD = `# The console

Every page as the tests in a browser see it, on a desktop; the links lead to the same page on a phone and in the dark theme. \`scripts/browser-test --screenshots\` takes the pictures and writes this page.
`;

const part = ({ name, title, tells, dark, wide }) => {
  const others = [];
  if (!wide) others.push(`[on a phone](screenshots/${name}-375.png)`);
  if (dark) others.push(`[dark](screenshots/${name}-1280-dark.png)`);
  return `
## ${title}

${tells}${others.length > 0 ? ` Also ${others.join(" and ")}.` : ""}

![${title}](screenshots/${name}-1280.png)
`;
};

/** It, from the list of pages. */
export const book = (pages) => HEAD + pages.map(part).join("");
