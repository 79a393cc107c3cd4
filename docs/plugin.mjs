// Turns requirement ids of the specification into anchors: **[CHK-4]** becomes a link to itself.
import { Application } from 'typedoc';

const ID = /\[([A-Z]{3}-\d+)\]/gu;

/** @param {Application} app */
export function load(app) {
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    app.options.setValue('markdownItLoader', (/** @type {any} */ md) => {
      md.core.ruler.push('requirement-ids', (/** @type {any} */ state) => {
        for (const block of state.tokens) {
          if (block.type !== 'inline' || block.children === null) continue;
          for (const token of block.children) {
            if (token.type !== 'text' || !/^\[[A-Z]{3}-\d+\]$/u.test(token.content)) continue;
            token.type = 'html_inline';
            token.content = token.content.replace(ID, '<a id="$1" href="#$1">[$1]</a>');
          }
        }
      });
    });
  });
}
