// A peer for tests/bench/extract/run: needs the npm packages @mozilla/readability and jsdom beside it.
const { Readability } = require('@mozilla/readability');
const { JSDOM, VirtualConsole } = require('jsdom');
const lines = require('readline').createInterface({ input: process.stdin });
lines.on('line', (line) => {
    const { html, url } = JSON.parse(line);
    let text = '';
    try {
        const dom = new JSDOM(html, { url, virtualConsole: new VirtualConsole() });
        const article = new Readability(dom.window.document).parse();
        // Blocks apart, which textContent runs together.
        const spaced = article ? article.content.replace(/<\/?(p|div|li|td|th|h\d|br|dt|dd|pre|tr)\b/g, ' $&') : '';
        text = article ? article.title + ' ' + new JSDOM(spaced).window.document.body.textContent : '';
        dom.window.close();
    } catch (e) {
        text = '';
    }
    console.log(JSON.stringify({ text }));
});
