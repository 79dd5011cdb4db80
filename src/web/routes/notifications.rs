//! The feed behind the bell.

use crate::web::api::{notifications, notify};
use crate::web::routes::{
    NOTHING, NOTIFICATION_CHANGED, PING, Route, UNREAD_CHANGED, array, events, get, json, optional,
    post,
};
use crate::web::stream::events;

pub(super) static ROUTES: &[Route] = &[
    get("/api/notifications", "listNotifications", notifications::list)
        .about("The feed, newest first")
        .gives(json("NotificationsListBody"))
        .params(&[&notifications::LIMIT, &notifications::BEFORE]),
    get(
        "/api/notifications/unread-count",
        "getUnreadNotificationCount",
        notifications::unread_count,
    )
    .about("How many are unread")
    .gives(json("NotificationUnreadBody")),
    get("/api/notifications/stream", "streamNotifications", events::notifications)
        .about("Notifications as they come")
        .gives(events(&[NOTIFICATION_CHANGED, UNREAD_CHANGED, PING]))
        .fails(&[503]),
    get("/api/notify", "getNotifySettings", notify::settings)
        .about("Notifiers, how they fare, and who is told what")
        .gives(json("NotifySettings")),
    get("/api/notify/tasks", "getNotifyTasks", notify::tasks)
        .about("Which alert of which task goes where")
        .gives(array("NotifyTask")),
    post("/api/notify/test", "testNotifier", notify::test)
        .about("Send a sample and say what the other side answered")
        .gives(json("NotifyTest"))
        .params(&[&notify::CHANNEL])
        .takes(optional("Empty"))
        .fails(&[404, 503]),
    post("/api/notifications/read", "markAllNotificationsRead", notifications::read_all)
        .about("Mark all as read")
        .gives(NOTHING)
        .takes(optional("Empty"))
        .fails(&[503]),
    post("/api/notifications/{id}/read", "markNotificationRead", notifications::read)
        .about("Mark one as read")
        .gives(NOTHING)
        .takes(optional("Empty"))
        .fails(&[404, 503]),
    post("/api/notifications/{id}/unread", "markNotificationUnread", notifications::unread)
        .about("Mark one as unread")
        .gives(NOTHING)
        .takes(optional("Empty"))
        .fails(&[404, 503]),
];
