"""As a person sees it: a real browser, wide and narrow, with and without JavaScript, by keyboard."""
import re
import time

import pytest

from stack import ROOT, wait_for

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

SHOTS = ROOT / "build/screenshots"


@pytest.fixture(scope="module")
def browse(tmp_path_factory):
    """Opens browsers and closes them all."""
    opened = []

    def open_browser(width=1280, height=900, dark=False, javascript=True):
        options = Options()
        for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync",
                         "--ignore-certificate-errors", "--hide-scrollbars", f"--window-size={width},{height}",
                         f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
            options.add_argument(argument)
        if not javascript:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        opened.append(driver)
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        return driver

    yield open_browser
    for driver in opened:
        driver.quit()


def shoot(driver, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(SHOTS / f"{name}.png"))


def overflow(driver):
    return driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("width,dark", [(1280, False), (1280, True), (390, False), (390, True)])
def test_pages_fit_their_window_light_and_dark(browse, small_stack, width, dark):
    driver = browse(width=width, dark=dark)
    link = re.search(r"https://\S+/admin/login\?code=\w+", small_stack.tierce("login").stdout).group(0)
    driver.get(link)
    for path, name in [("/", "home"), ("/search?q=hoop", "results"), ("/search?q=nothinglikethis", "empty"),
                       ("/backlinks?url=http://127.0.0.1/", "backlinks"), ("/admin", "admin")]:
        driver.get(small_stack.base + path)
        assert overflow(driver) <= 0, (path, width)
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor || ''")
        root = driver.execute_script("return getComputedStyle(document.documentElement).backgroundColor || ''")
        numbers = [int(n) for n in re.findall(r"\d+", background if "0, 0, 0, 0" not in background else root)][:3]
        assert (sum(numbers) < 384) == dark, (path, background, root)
        shoot(driver, f"{small_stack.proxy}-{name}-{width}-{'dark' if dark else 'light'}")


def test_one_searches_by_keyboard_alone(browse, small_stack, small_site):
    driver = browse()
    driver.get(small_stack.base + "/")
    assert driver.switch_to.active_element.get_attribute("name") == "q"
    driver.switch_to.active_element.send_keys("quenching" + Keys.ENTER)
    wait_for(lambda: "/search" in driver.current_url, 10)
    result = driver.find_element(By.CSS_SELECTOR, f"a[href='{small_site.base}/hoop']")
    for _ in range(30):
        if driver.switch_to.active_element == result:
            break
        driver.switch_to.active_element.send_keys(Keys.TAB)
    assert driver.switch_to.active_element == result
    outline = driver.execute_script("const s = getComputedStyle(arguments[0]); return s.outlineStyle", result)
    assert outline != "none", "the focus cannot be seen"


def options_of(driver):
    return driver.execute_script("return [...document.querySelectorAll('#suggestions:not([hidden]) li')].map(i => i.textContent)")


@pytest.mark.parametrize("width,dark", [(1280, False), (390, True)])
def test_suggestions_are_chosen_by_keyboard_and_told_to_screen_readers(browse, small_stack, width, dark):
    driver = browse(width=width, dark=dark)
    driver.get(small_stack.base + "/")
    box = driver.find_element(By.NAME, "q")
    assert box.get_attribute("role") == "combobox" and box.get_attribute("aria-expanded") == "false"
    box.send_keys("sta")
    wait_for(lambda: "staves" in [text.lower() for text in options_of(driver)], 10)
    options = options_of(driver)
    assert box.get_attribute("aria-expanded") == "true" and box.get_attribute("value") == "sta"
    assert driver.find_element(By.CSS_SELECTOR, ".search [role=status]").get_attribute("textContent") == \
        f"{len(options)} suggestion" + ("s" if len(options) > 1 else "")
    assert overflow(driver) <= 0
    box.send_keys(Keys.ARROW_DOWN)
    chosen = driver.find_element(By.ID, box.get_attribute("aria-activedescendant"))
    assert chosen.get_attribute("aria-selected") == "true" and chosen.text == box.get_attribute("value") == options[0]
    shoot(driver, f"{small_stack.proxy}-suggestions-{width}-{'dark' if dark else 'light'}")
    box.send_keys(Keys.ARROW_UP)
    assert box.get_attribute("value") == "sta" and box.get_attribute("aria-activedescendant") is None
    box.send_keys(Keys.ARROW_UP)
    assert box.get_attribute("value") == options[-1]
    box.send_keys(Keys.ESCAPE)
    assert options_of(driver) == [] and box.get_attribute("value") == "sta"
    assert box.get_attribute("aria-expanded") == "false" and driver.switch_to.active_element == box
    box.send_keys("v")
    wait_for(lambda: "staves" in [text.lower() for text in options_of(driver)], 10)
    box.send_keys(Keys.ARROW_DOWN + Keys.ENTER)
    wait_for(lambda: "/search?q=staves" in driver.current_url.lower(), 10)


def test_a_suggestion_is_chosen_with_the_mouse_and_another_spelling_followed(browse, small_stack, small_site):
    driver = browse()
    driver.get(small_stack.base + "/search?q=qenching")
    shoot(driver, f"{small_stack.proxy}-did-you-mean-1280-light")
    driver.find_element(By.LINK_TEXT, "quenching").click()
    wait_for(lambda: driver.find_elements(By.CSS_SELECTOR, f"a[href='{small_site.base}/hoop']"), 10)
    box = driver.find_element(By.NAME, "q")
    box.clear()
    box.send_keys("the new fo")
    wait_for(lambda: "The new forge" in options_of(driver), 10)
    shoot(driver, f"{small_stack.proxy}-suggestions-header-1280-light")
    next(item for item in driver.find_elements(By.CSS_SELECTOR, "#suggestions li") if item.text == "The new forge").click()
    wait_for(lambda: driver.find_elements(By.CSS_SELECTOR, f"a[href='{small_site.base}/new']"), 10)


def test_titles_in_suggestions_are_text(browse, small_stack):
    driver = browse()
    driver.get(small_stack.base + "/")
    driver.find_element(By.NAME, "q").send_keys("attac")
    wait_for(lambda: any("<script>" in text for text in options_of(driver)), 10)
    assert driver.execute_script("return document.querySelectorAll('#suggestions script').length") == 0


def test_it_works_without_javascript(browse, small_stack, small_site):
    driver = browse(javascript=False)
    driver.get(small_stack.base + "/")
    box = driver.find_element(By.NAME, "q")
    box.send_keys("quenching")
    box.submit()
    wait_for(lambda: driver.find_elements(By.CSS_SELECTOR, f"a[href='{small_site.base}/hoop']"), 10)


def test_the_admin_page_lives_without_reloading(browse, small_stack):
    driver = browse()
    link = re.search(r"https://\S+/admin/login\?code=\w+", small_stack.tierce("login").stdout).group(0)
    driver.get(link)
    driver.get(small_stack.base + "/admin")
    driver.execute_script("window.untouched = true")
    word = f"liveword{time.monotonic_ns()}"
    assert word not in driver.page_source
    for _ in range(40):
        small_stack.search(word)
    wait_for(lambda: word in driver.find_element(By.TAG_NAME, "body").text, 15, "the search among the top ten")
    assert driver.execute_script("return window.untouched === true"), "the page was loaded anew"


def test_a_site_is_added_on_the_admin_page(browse, small_stack, small_site):
    small_site.words["/by-form"] = ("By form", "Added through the form: formaddedword.")
    driver = browse()
    driver.get(re.search(r"https://\S+/admin/login\?code=\w+", small_stack.tierce("login").stdout).group(0))
    driver.get(small_stack.base + "/admin")
    box = driver.find_element(By.CSS_SELECTOR, "form textarea, form input[type=url], form input[name=urls], form input[name=url]")
    box.send_keys(small_site.base + "/by-form")
    box.find_element(By.XPATH, "./ancestor::form").find_element(By.CSS_SELECTOR, "button").click()
    wait_for(lambda: small_stack.urls("formaddedword", admin=True), 20, "the page in the index")


def test_nothing_moves_while_a_page_loads(browse, small_stack):
    driver = browse()
    for path in ["/", "/search?q=hoop"]:
        driver.get(small_stack.base + path)
        shift = driver.execute_async_script("""
            const done = arguments[0]; let sum = 0;
            new PerformanceObserver(list => { for (const e of list.getEntries()) sum += e.value; })
                .observe({type: 'layout-shift', buffered: true});
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum), 50)));""")
        assert shift == 0, path
        errors = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]
        assert errors == [], path
